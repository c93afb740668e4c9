"""What a run made, in the formats of other tools: a file a format."""
