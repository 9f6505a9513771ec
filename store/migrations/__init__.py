"""The steps from each schema of the operations store to the next; store/sql_migrate.py takes them.

To change a table: change store/schema.py, add versions/vNNNN_what.py behind the newest, and raise
schema.REVISION. A test compares what the steps make with what schema.py declares, in both databases.
A step that was released is never changed: what it needs of the tables of its time stands in it.
"""
