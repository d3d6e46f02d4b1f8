from .tasks_test import TASKS_TEST

TASKS_DEV = TASKS_TEST[:1]
