"""Making and changing many tables with one reckoning of what the models are.

Django works out all models anew after every operation of a migration. With a history table, four triggers and deferred
references for each model that took a minute of computing, and every installation and every test run begins with it.
"""

from django.db.migrations.operations import AddConstraint, AddField, AddIndex, CreateModel
from django.db.migrations.operations.base import Operation


class AtOnce(Operation):
    """Make new tables as they are at the end of these operations, then do what is left: triggers and plain SQL.

    Fields, constraints and indexes of a table made here need no statement of their own: they are in it from the start.
    Operations on tables that were there before do not belong here.
    """

    reversible = False

    def __init__(self, operations):
        self.operations = operations

    def deconstruct(self):
        return self.__class__.__qualname__, [], {"operations": self.operations}

    def state_forwards(self, app_label, state):
        # Worked out again when next asked for, once for all.
        state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        for operation in self.operations:
            if not isinstance(operation, AddField | AddConstraint | AddIndex):
                operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def describe(self):
        made = sum(isinstance(operation, CreateModel) for operation in self.operations)
        return f"Make {made} tables at once"


class Together(AtOnce):
    """Do operations on new and old tables with one reckoning of what the models are before them, and one of what they are after.

    None may need a state between: no field added and changed again, nothing made and removed, no Python that asks for models.
    """

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        made = {operation.name_lower for operation in self.operations if isinstance(operation, CreateModel)}
        for operation in self.operations:
            # A table made here has its fields, constraints and indexes from the start.
            of_new_table = isinstance(operation, AddField | AddConstraint | AddIndex) and operation.model_name.lower() in made
            if not of_new_table:
                operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def describe(self):
        return f"{len(self.operations)} changes at once"
