"""Fixed architectures for submissions of trained weights: the student sends a safetensors file, the judge builds the model."""
