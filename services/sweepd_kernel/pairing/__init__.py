"""Pairing of the scheduler's database with the metric store's: do the two belong together?"""
