from .tasks_test import TASKS_TEST

TASKS_TRAIN = TASKS_TEST[2:3]
