"""The write-ahead journal of a part: what was appended is on the disk before anyone goes on."""
