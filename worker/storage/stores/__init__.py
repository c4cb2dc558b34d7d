"""Where finished transcripts live: a local directory or a bucket, behind one contract."""
