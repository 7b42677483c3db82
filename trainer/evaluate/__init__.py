"""What the models are worth, measured on data they were not trained on."""
