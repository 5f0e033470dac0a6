"""Public members of W&B's classes and their support here; source of docs/wandb.md."""

from typing import Final

from sweepd.compat.names import Support

Members = dict[Support, tuple[str, ...]]


def _members(supported: str, no_effect: str, refused: str) -> Members:
    return {
        Support.SUPPORTED: tuple(supported.split()),
        Support.NO_EFFECT: tuple(no_effect.split()),
        Support.REFUSED: tuple(refused.split()),
    }


RUN: Final = _members(
    "alert config define_metric dir disabled entity finish finish_artifact group id job_type log "
    "log_artifact log_code log_model mark_preempting name notes offline path project restore resumed save "
    "settings start_time starting_step step summary sweep_id tags upsert_artifact use_artifact use_model "
    "write_logs",
    "display link_artifact link_model pin_config_keys project_url status sweep_url to_html unwatch url watch",
    "config_static sync_dir",
)
"""URLs are None; refused members do not exist, here and below."""

TABLE: Final = _members(
    "add_column add_computed_columns add_data add_row get_column get_dataframe get_index iterrows",
    "MAX_ARTIFACT_ROWS MAX_ROWS cast set_fk set_pk",
    "bind_to_run captions file_is_set from_json get_media_subdir has_been_logged index_ref init_from_json "
    "is_bound path_is_reference to_data_array to_json type_mapping with_suffix",
)

ARTIFACT: Final = _members(
    "add add_dir add_file add_reference aliases checkout description download file file_count files get "
    "get_entry get_path is_draft metadata name new_file remove size tags type version wait",
    "delete finalize incremental link logged_by save ttl unlink use_as used_by verify",
    "collection commit_hash created_at digest digest_algorithm distributed_id entity "
    "get_added_local_path_name history_step id is_link json_encode linked_artifacts linked_at manifest "
    "new_draft project qualified_name source_artifact source_collection source_entity source_name "
    "source_project source_qualified_name source_version state updated_at url",
)

CLASSES: Final = {"Run": RUN, "Table": TABLE, "Artifact": ARTIFACT}
