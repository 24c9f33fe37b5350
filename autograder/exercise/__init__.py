"""What an exercise is. The only part of the autograder that assignments import."""
