from registry.environment import ROOT
from registry.interchange.reference import trial_folder_page
from registry.rules.tables.definitions import TABLES


def test_page_is_what_the_code_says():
    assert (ROOT / "docs/reference/trial-folder.md").read_text() == trial_folder_page()


def test_every_column_is_on_it():
    page = trial_folder_page()
    for table in TABLES:
        assert f"`{table.file}`" in page
        for column in table.columns:
            assert f"| `{column.name}` |" in page
