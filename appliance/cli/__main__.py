"""`python -m appliance.cli`: the same command, for the processes that start each other."""

from appliance.cli import main

main()
