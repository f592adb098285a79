"""What is known of providers' models follows their lists."""

from pathlib import Path

from proxy.catalog import FOUND_KEPT, ModelCatalog
from proxy.protocol.listing import ListedModel


def test_a_model_that_was_missing_is_found_once_the_list_has_it(tmp_path: Path) -> None:
    catalog = ModelCatalog(tmp_path / "models.json", {})
    assert catalog.find("team", "glm-5") is None
    catalog.fetched("team", (ListedModel("z-ai/glm-5"),), now=1.0)
    assert catalog.find("team", "glm-5") == ListedModel("z-ai/glm-5")


def test_any_number_of_unknown_names_is_looked_up_without_remembering_them_all(tmp_path: Path) -> None:
    catalog = ModelCatalog(tmp_path / "models.json", {})
    for number in range(FOUND_KEPT + 10):
        assert catalog.find("team", f"unknown-{number}") is None
    assert len(catalog._found) <= FOUND_KEPT
