"""Processes of a server: start of one service, supervision of all, background, data folder."""
