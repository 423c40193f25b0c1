"""Who may bring a trial folder in: asked when it is uploaded, and again when it is read and when it is written."""

from __future__ import annotations

from registry.exceptions import NotAllowed
from registry.models import Trial, User
from registry.roles import Permission


def check_import(on_record: Trial | None, *, slug: str, concealed: bool, by: User) -> None:
    """Raise NotAllowed unless the person may import into the trial on record under that slug or, where there is none, make one.

    A folder with arms or allocations is for who may manage allocations; whoever makes a trial with them becomes unmasked.
    """
    if by.is_system:
        return
    if on_record is None:
        by.check_can(Permission.TRIAL_CREATE)
    elif not Trial.objects.visible_to(by).filter(pk=on_record.pk).exists():
        raise NotAllowed(f"The short name {slug} is taken by a trial you are no member of. Choose another slug in trial.toml.")
    else:
        by.check_can(Permission.IMPORT, trial=on_record)
        if concealed:
            by.check_can(Permission.ALLOCATION_MANAGE, trial=on_record)
