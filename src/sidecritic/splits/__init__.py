"""What may be learned from: tasks and users that are held out for tests, and splits of the rest.

users        the user whom a task is about
benchmarks   the test split of one benchmark, and the benchmark without its users
held_out     the test splits of several benchmarks, for runs and rows that are on file
assignment   train, validation and test: no task and no user is in two of them
folds        the same for cross-validation
"""
