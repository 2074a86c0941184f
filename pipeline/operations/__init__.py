"""What keeps schedules healthy: the state of a machine, the runs it holds, alarms."""
