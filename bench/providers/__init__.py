"""What providers cost: a chunk, a start, a hundred at once, beside the bare SDKs and LiteLLM."""
