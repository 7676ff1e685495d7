"""What can be said of a stem without measuring it: window, support, receptive-field arithmetic, the expected map."""
