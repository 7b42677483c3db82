"""Evaluation of the models on data they were not trained on."""
