"""Programs that judge the outcome from outside, and the tests that judge them."""
