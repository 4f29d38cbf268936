"""Arrays in, arrays out: the optimisation problems under the calibration methods."""
