"""Looking on: pictures of samples and predictions, TensorBoard panels."""
