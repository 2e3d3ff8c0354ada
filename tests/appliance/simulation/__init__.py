"""The simulator: does it do what it says, and does it find what is planted?"""
