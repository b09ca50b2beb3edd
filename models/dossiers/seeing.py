"""Who may see what, of many people and many documents at once: as `Document.visible_to` has it for each of them, as SQL."""

from __future__ import annotations

from models.viewer import Right


def opened_sql(name: str, right: Right, clients: str = "") -> str:
    """The last parts of a WITH RECURSIVE: `name` has (access, folder, level) for every folder that is opened one by one to
    somebody whose rights do not open them all; level 2 is where he may hand in as well. `clients` narrows it: SQL of ids.

    As clients.records has it for one person: by the names on the way, or given to his template as they are; and in what
    lies there too."""
    given, of_these = f"{name}_given", f" AND a.client IN ({clients})" if clients else ""
    place = "o.place || ' › ' || f.name_key"
    return f"""{given}(access, client, place, level) AS (
 SELECT x.access, x.client, x.place, max(x.level) FROM (
  SELECT a.id AS access, a.client, r.name_key AS place, CASE WHEN r.act THEN 2 ELSE 1 END AS level
  FROM folder_right r JOIN access a ON a.id = r.access WHERE a.rights & {int(right)} = 0{of_these}
  UNION ALL SELECT a.id, a.client, r.name_key, CASE WHEN r.act THEN 2 ELSE 1 END
  FROM folder_right r JOIN rights_template t ON t.id = r.template JOIN access a ON a.role = t.key WHERE a.rights & {int(right)} = 0{of_these}
 ) x JOIN client c ON c.id = x.client AND (c.modules = '' OR ',' || c.modules || ',' LIKE '%,dossiers,%') GROUP BY x.access, x.client, x.place
), {name}_way(access, client, folder, place, level) AS (
 SELECT DISTINCT g.access, g.client, f.id, CAST(f.name_key AS TEXT),
  coalesce((SELECT h.level FROM {given} h WHERE h.access = g.access AND h.place = f.name_key), 0)
 FROM {given} g JOIN folder f ON f.client = g.client AND f.parent IS NULL AND f.trashed_at IS NULL AND f.kind <> 'internal'
  AND (g.place = f.name_key OR substr(g.place, 1, length(f.name_key) + 3) = f.name_key || ' › ')
 UNION ALL SELECT o.access, o.client, f.id, {place},
  CASE WHEN o.level = 2 THEN 2 ELSE coalesce((SELECT max(g.level) FROM {given} g WHERE g.access = o.access AND g.place = {place}
   AND g.level > o.level), o.level) END
 FROM {name}_way o JOIN folder f ON f.parent = o.folder WHERE f.trashed_at IS NULL AND f.kind <> 'internal'
  AND (o.level > 0 OR EXISTS (SELECT 1 FROM {given} g WHERE g.access = o.access AND (g.place = {place}
   OR substr(g.place, 1, length({place}) + 3) = {place} || ' › ')))
), {name}_direct(access, folder, level) AS (
 SELECT a.id, f.id, CASE WHEN g.act THEN 2 ELSE 1 END FROM folder_grant g JOIN rights_template t ON t.id = g.template
 JOIN access a ON a.role = t.key AND a.client = g.client JOIN folder f ON f.id = g.folder AND f.client = a.client
 JOIN client c ON c.id = a.client AND (c.modules = '' OR ',' || c.modules || ',' LIKE '%,dossiers,%')
 WHERE a.rights & {int(right)} = 0{of_these} AND f.trashed_at IS NULL AND f.kind <> 'internal'
 UNION SELECT d.access, f.id, d.level FROM {name}_direct d JOIN folder f ON f.parent = d.folder
 WHERE f.trashed_at IS NULL AND f.kind <> 'internal'
), {name}(access, folder, level) AS (SELECT x.access, x.folder, max(x.level) FROM (
  SELECT access, folder, level FROM {name}_way WHERE level > 0 UNION ALL SELECT access, folder, level FROM {name}_direct
 ) x GROUP BY x.access, x.folder)"""


VIEWS = f"(a.rights & {int(Right.VIEW_DOSSIER)} <> 0 OR v.folder IS NOT NULL)"
"""Whether he may look into the folder `f`, where `v` is what was opened to him (opened_sql of VIEW_DOSSIER)."""
VIEWING = "LEFT JOIN viewing v ON v.access = a.id AND v.folder = f.id"
HANDS_IN = f"(a.rights & {int(Right.UPLOAD_DOCUMENTS)} <> 0 OR w.folder IS NOT NULL)"
"""Whether he is asked by the request `r`, where `w` is what was opened to him (opened_sql of UPLOAD_DOCUMENTS)."""
HANDING = "LEFT JOIN handing w ON w.access = a.id AND w.folder = r.folder AND w.level = 2"

GENERAL_FOR = f"""(g.audience = 'all' OR EXISTS (SELECT 1 FROM dossier_group dg JOIN membership m ON m.client_group = dg.client_group
 WHERE dg.dossier = g.id AND m.client = a.client) OR EXISTS (SELECT 1 FROM dossier_sector ds JOIN client_sector cs ON cs.sector = ds.sector
 WHERE ds.dossier = g.id AND cs.client = a.client)) AND a.rights & {int(Right.VIEW_DOSSIER)} <> 0"""
"""Whether the general dossier `g` is for the client of the access `a`."""
