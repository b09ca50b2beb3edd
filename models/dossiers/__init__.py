"""Dossiers: a client's tree of folders and the documents in it; standard structures; general dossiers for all or for groups."""

from models.dossiers.documents import Document, Reading
from models.dossiers.dossier import Dossier, DossierGroup, general_dossiers_for
from models.dossiers.folders import Folder, NewDocument
from models.dossiers.structures import (
    Compared,
    Difference,
    Selection,
    add_structure,
    apply_structure,
    apply_to,
    chosen,
    compare,
    difference,
    open_dossier,
)
from models.dossiers.trees import (
    Node,
    contents_of,
    documents_in,
    dossier_of,
    dossiers_for,
    folder_of,
    folders_in,
    path_to,
    places_for,
    readers_of,
    trash_of,
    tree_of,
)

__all__ = [
    "Compared",
    "Difference",
    "Document",
    "Dossier",
    "DossierGroup",
    "Folder",
    "NewDocument",
    "Node",
    "Reading",
    "Selection",
    "add_structure",
    "apply_structure",
    "apply_to",
    "chosen",
    "compare",
    "contents_of",
    "difference",
    "documents_in",
    "dossier_of",
    "dossiers_for",
    "folder_of",
    "folders_in",
    "general_dossiers_for",
    "open_dossier",
    "path_to",
    "places_for",
    "readers_of",
    "trash_of",
    "tree_of",
]
