"""Views of the review, in SQL that DuckDB and SQLite share: an empty cell is NULL, `today` has the newest day."""

from __future__ import annotations

from helpers.datasets.review.layout import PAST

MONTHS = 12  # after which a licence or evidence is looked at again
LAG = 180  # days after a report, before which nobody is expected to cite it

VIEWS = {
    "today": "SELECT MAX(day) AS day FROM ("
    + " UNION ALL ".join(f"SELECT MAX({day}) AS day FROM {name}" for name, day in PAST)
    + ") AS newest",
    "artefacts_per_dataset": """
SELECT d.dataset_id, d.name, d.released, a.type, a.status, COUNT(*) AS artefacts, MIN(a.reported_on) AS first_report
FROM dataset d JOIN artifact a ON a.subject_type = 'dataset' AND a.subject_id = d.dataset_id
GROUP BY d.dataset_id, d.name, d.released, a.type, a.status
""",
    "without_licence": """
SELECT dataset_id, name, licence_checked FROM dataset WHERE licence IS NULL
""",
    "not_rechecked": f"""
WITH looked AS (
    SELECT 'dataset' AS kind, dataset_id AS id, licence_checked AS day FROM dataset
    UNION ALL
    SELECT 'artifact', a.artifact_id, MAX(e.accessed)
    FROM artifact a LEFT JOIN evidence e ON e.artifact_id = a.artifact_id GROUP BY a.artifact_id
)
SELECT kind, id, looked.day FROM looked, today
WHERE looked.day IS NULL OR julianday(looked.day) < julianday(today.day) - {MONTHS} * 365.25 / 12
""",
    "changes": """
SELECT released AS day, 'data set released' AS change, dataset_id AS id FROM dataset
UNION ALL SELECT released, 'version released', version_id FROM dataset_version
UNION ALL SELECT reported_on, 'artefact reported', artifact_id FROM artifact
UNION ALL SELECT valid_to, 'artefact ended', artifact_id FROM artifact WHERE valid_to IS NOT NULL
UNION ALL SELECT accessed, 'evidence read', artifact_id FROM evidence
""",
    "by_group": """
SELECT r.attribute, d.dataset_id, d.name, r.recorded, r.missing, r.who_wrote
FROM records r JOIN dataset d ON d.dataset_id = r.dataset_id WHERE r.recorded <> 'yes'
""",
    "claims_touched": """
SELECT a.artifact_id, a.subject_id, a.type, e.locator AS claim, e.value
FROM artifact a JOIN evidence e ON e.artifact_id = a.artifact_id WHERE e.locator LIKE 'notebooks/claims/%'
""",
    "reports": """
SELECT subject_id AS dataset_id, reported_by AS report, MIN(reported_on) AS reported_on
FROM artifact WHERE subject_type = 'dataset' AND reported_by IN (SELECT work_id FROM work)
GROUP BY subject_id, reported_by
""",
    "users_of_reported": """
WITH listed AS (SELECT DISTINCT citing FROM citation)
SELECT r.dataset_id, r.report, r.reported_on, u.work_id, w.published,
    julianday(w.published) - julianday(r.reported_on) AS days_after,
    CASE WHEN l.citing IS NULL THEN 'unknown' WHEN c.citing IS NULL THEN 'silent' ELSE 'cites' END AS answer
FROM reports r
JOIN usage u ON u.dataset_id = r.dataset_id AND u.work_id <> r.report
JOIN work w ON w.work_id = u.work_id
LEFT JOIN listed l ON l.citing = u.work_id
LEFT JOIN citation c ON c.citing = u.work_id AND c.cited = r.report
""",
    "silent_users": f"""
SELECT r.dataset_id, r.report, r.reported_on, COUNT(u.work_id) AS users,
    COUNT(CASE WHEN u.answer = 'unknown' THEN 1 END) AS unknown,
    COUNT(CASE WHEN u.answer = 'silent' THEN 1 END) AS silent,
    CASE WHEN COUNT(u.work_id) = 0 THEN 'nobody could have' ELSE '' END AS answer
FROM reports r LEFT JOIN users_of_reported u
    ON u.dataset_id = r.dataset_id AND u.report = r.report AND u.days_after >= {LAG}
GROUP BY r.dataset_id, r.report, r.reported_on
""",
}
