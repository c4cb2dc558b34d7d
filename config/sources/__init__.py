"""Where values come from: each source becomes a layer of values that know their origin."""
