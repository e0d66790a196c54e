"""Sweeps: Optuna's study is the ledger, Ray Tune executes, Ray Train workers distil."""
