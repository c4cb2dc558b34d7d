"""Going on with a call that broke off: what was said is known, and nothing is done twice."""
