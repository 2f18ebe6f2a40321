# Sourced by test.sh; tests/Architecture checks that every test project is in it.
# part | project | filter
test_parts='
unit         | tests/Engine.Tests  | Category!=Fuzz
architecture | tests/Architecture  |
cli          | tests/Cli.Tests     |
docs         | tests/Docs          |
fleets       | tests/Fleets        |
real         | tests/Real          |
budgets      | tests/Budgets       |
chaos        | tests/Chaos         |
tasks        | tests/Tasks         |
conformance  | tests/Conformance   | Category!=Differential
'
