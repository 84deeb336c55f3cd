# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Functions of PostgreSQL itself that only compute or read: calling them changes nothing."""

from __future__ import annotations

# By the sections of the manual's chapter 9. A function that is missing here is taken for one that may write.
_NAMES = """
    coalesce nullif greatest least
    abs ceil ceiling floor round trunc sign sqrt cbrt exp ln log log10 power mod div factorial gcd lcm pi degrees
    radians random random_normal setseed sin cos tan asin acos atan atan2 width_bucket scale min_scale trim_scale
    lower upper initcap length char_length character_length octet_length bit_length ascii chr concat concat_ws format
    left right lpad rpad ltrim rtrim btrim trim repeat replace translate reverse overlay position strpos substr
    substring split_part starts_with string_to_array string_to_table to_hex to_bin to_oct to_ascii md5 sha224 sha256
    sha384 sha512 crc32 encode decode convert convert_from convert_to quote_ident quote_literal quote_nullable unistr
    normalize is_normalized parse_ident bit_count get_bit set_bit get_byte set_byte casefold
    regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table regexp_like regexp_count
    regexp_instr regexp_substr like_escape similar_escape similar_to_escape like ilike
    to_char to_date to_number to_timestamp
    age clock_timestamp current_date current_time current_timestamp localtime localtimestamp now timeofday
    statement_timestamp transaction_timestamp date_add date_bin date_part date_subtract date_trunc extract isfinite
    justify_days justify_hours justify_interval make_date make_interval make_time make_timestamp make_timestamptz
    timezone overlaps
    enum_first enum_last enum_range
    host hostmask masklen netmask network broadcast family abbrev inet_merge inet_same_family set_masklen text
    to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_rank ts_rank_cd ts_headline setweight
    strip numnode querytree tsvector_to_array array_to_tsvector ts_lexize ts_debug
    gen_random_uuid uuidv4 uuidv7 uuid_extract_timestamp uuid_extract_version
    xmlcomment xmlconcat xml_is_well_formed xpath xpath_exists
    to_json to_jsonb array_to_json row_to_json json_build_array json_build_object json_object jsonb_build_array
    jsonb_build_object jsonb_object json_array_elements json_array_elements_text jsonb_array_elements
    jsonb_array_elements_text json_array_length jsonb_array_length json_each json_each_text jsonb_each jsonb_each_text
    json_extract_path json_extract_path_text jsonb_extract_path jsonb_extract_path_text json_object_keys
    jsonb_object_keys json_populate_record jsonb_populate_record json_populate_recordset jsonb_populate_recordset
    json_to_record jsonb_to_record json_to_recordset jsonb_to_recordset json_strip_nulls jsonb_strip_nulls json_typeof
    jsonb_typeof jsonb_set jsonb_set_lax jsonb_insert jsonb_path_exists jsonb_path_match jsonb_path_query
    jsonb_path_query_array jsonb_path_query_first jsonb_pretty jsonb_concat jsonb_delete
    array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position array_positions
    array_prepend array_remove array_replace array_reverse array_sample array_shuffle array_sort array_to_string
    array_upper cardinality trim_array unnest generate_series generate_subscripts
    isempty lower_inc upper_inc lower_inf upper_inf range_merge multirange int4range int8range numrange tsrange
    tstzrange daterange
    count sum avg min max array_agg string_agg json_agg jsonb_agg json_object_agg jsonb_object_agg bool_and bool_or
    every bit_and bit_or bit_xor any_value range_agg range_intersect_agg xmlagg corr covar_pop covar_samp
    regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope stddev stddev_pop stddev_samp variance var_pop
    var_samp mode percentile_cont percentile_disc grouping
    row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
    num_nulls num_nonnulls row record_in
    current_catalog current_database current_schema current_schemas current_user current_role session_user system_user
    user current_query inet_client_addr inet_client_port inet_server_addr inet_server_port version
    has_any_column_privilege has_column_privilege has_database_privilege has_foreign_data_wrapper_privilege
    has_function_privilege has_language_privilege has_parameter_privilege has_schema_privilege has_sequence_privilege
    has_server_privilege has_table_privilege has_tablespace_privilege has_type_privilege pg_has_role row_security_active
    pg_backend_pid pg_conf_load_time pg_is_in_recovery pg_postmaster_start_time pg_my_temp_schema
    format_type to_regclass to_regcollation to_regnamespace to_regoper to_regoperator to_regproc to_regprocedure
    to_regrole to_regtype to_regtypemod obj_description col_description shobj_description
    pg_column_size pg_column_compression pg_database_size pg_indexes_size pg_relation_size pg_size_bytes pg_size_pretty
    pg_table_size pg_tablespace_size pg_total_relation_size pg_relation_filenode pg_typeof pg_collation_for
    pg_encoding_to_char pg_char_to_encoding pg_client_encoding pg_identify_object pg_describe_object
    pg_function_is_visible pg_opclass_is_visible pg_table_is_visible pg_type_is_visible
    pg_get_constraintdef pg_get_expr pg_get_functiondef pg_get_function_arguments pg_get_function_identity_arguments
    pg_get_function_result pg_get_indexdef pg_get_keywords pg_get_partkeydef pg_get_ruledef pg_get_serial_sequence
    pg_get_statisticsobjdef pg_get_triggerdef pg_get_userbyid pg_get_viewdef pg_index_column_has_property
    pg_index_has_property pg_indexam_has_property pg_options_to_table pg_partition_ancestors pg_partition_root
    pg_partition_tree pg_sequence_last_value lastval currval
    current_setting set_config pg_sleep pg_sleep_for pg_sleep_until txid_current pg_current_xact_id
"""
_ONLY_READ = frozenset(_NAMES.split())


def only_reads(name: tuple[str, ...]) -> bool:
    """
    :param name: of a function as the parser gives it, perhaps with its schema.
    """
    *schema, last = name
    return last in _ONLY_READ and schema in ([], ["pg_catalog"])
