"""The catalogue is RDF that rdflib reads, with what DCAT-AP 3.0 demands of each class."""

from __future__ import annotations

import pytest
from rdflib import Graph, Namespace, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF, XSD
from rdflib.term import Node

from tests.api.client import Client

# rdflib's own reader of JSON-LD still uses what rdflib calls old.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
GEO = Namespace("http://www.opengis.net/ont/geosparql#")
# Mandatory and recommended properties that we have: DCAT-AP 3.0, chapter 8 ("Classes").
DEMANDED = {
    DCAT.Catalog: (DCTERMS.title, DCTERMS.description, DCTERMS.publisher, DCAT.dataset, DCTERMS.license),
    DCAT.Dataset: (
        DCTERMS.title, DCTERMS.description, DCTERMS.publisher, DCAT.distribution, DCAT.theme, DCAT.keyword,
        DCTERMS.spatial, DCTERMS.temporal, DCTERMS.modified, DCTERMS.accrualPeriodicity,
    ),
    DCAT.Distribution: (DCAT.accessURL, DCAT.downloadURL, DCAT.mediaType, DCTERMS.license),
    DCTERMS.PeriodOfTime: (DCAT.startDate, DCAT.endDate),
    DCTERMS.Location: (DCAT.bbox, DCAT.centroid),
    FOAF.Agent: (FOAF.name,),
}  # fmt: skip


@pytest.fixture(scope="module")
def graph(client: Client) -> Graph:
    answer = client.get("/open/catalog")
    assert answer.headers["content-type"] == "application/ld+json"
    return Graph().parse(data=answer.text, format="json-ld")


@pytest.mark.parametrize("kind", DEMANDED, ids=lambda k: str(k).rpartition("/")[2])
def test_every_class_has_what_is_demanded(graph: Graph, kind: Node) -> None:
    members = list(graph.subjects(RDF.type, kind))
    assert members
    for member in members:
        for name in DEMANDED[kind]:  # type: ignore[index]
            assert list(graph.objects(member, name)), (member, name)


def test_data_sets_are_those_that_are_marked_and_measured(graph: Graph) -> None:
    names = {str(n) for s in graph.subjects(RDF.type, DCAT.Dataset) for n in graph.objects(s, DCTERMS.identifier)}  # fmt: skip
    assert names == {"air/26740", "level/26740", "weather/26977"}


def test_titles_are_in_both_languages(graph: Graph) -> None:
    for dataset in graph.subjects(RDF.type, DCAT.Dataset):
        languages = {t.language for t in graph.objects(dataset, DCTERMS.title)}  # type: ignore[attr-defined]
        assert languages == {"vi", "en"}


def test_literals_have_their_types(graph: Graph) -> None:
    for name, type_ in ((DCAT.startDate, XSD.dateTime), (DCAT.bbox, GEO.wktLiteral)):
        assert {o.datatype for o in graph.objects(None, name)} == {type_}  # type: ignore[attr-defined]


def test_every_address_of_ours_answers(client: Client, graph: Graph) -> None:
    ours = {
        o
        for name in (DCAT.accessURL, DCAT.downloadURL)
        for o in graph.objects(None, name)
        if isinstance(o, URIRef)
    }
    assert len(ours) > 8
    for url in ours:
        assert client.get(str(url)).status_code == 200, url


def test_a_data_set_lists_its_closed_days(client: Client) -> None:
    node = client.get("/open/air/26740").json()
    days = [d["@id"].rpartition("/")[2] for d in node["dcat:distribution"]]
    assert days == ["latest.csv", "latest.geojson", "2026-11-21.parquet"]
    assert node["dct:temporal"]["dcat:startDate"]["@value"] == "2026-11-21T02:59:00Z"
