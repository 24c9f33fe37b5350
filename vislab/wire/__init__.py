"""The format that the judge and a graded notebook speak: frames of JSON header and safetensors body."""
