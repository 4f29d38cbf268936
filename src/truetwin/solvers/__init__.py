"""Solve the optimisation problems under the calibration methods: arrays in, arrays out."""
