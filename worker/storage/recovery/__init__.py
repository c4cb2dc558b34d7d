"""What dead jobs and lost nodes left is finished."""
