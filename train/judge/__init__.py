"""The judge: compares a pack's answers with what people really played next, on seeds from files that it was not trained on."""
