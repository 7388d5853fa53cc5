(create_table (object_reference) @qualified (column_definitions) @body) @table
(create_table (object_reference) @qualified) @table
(create_view (object_reference) @qualified) @table
(create_materialized_view (object_reference) @qualified) @table
(create_function (object_reference) @qualified (function_body) @body) @function
(create_function (object_reference) @qualified) @function
(create_trigger (keyword_trigger) . (object_reference) @qualified) @function
(create_procedure (object_reference) @qualified) @function
(create_type (object_reference) @qualified) @type
(create_schema (identifier) @name) @module
(create_index column: (identifier) @name) @constant
(column_definition name: (identifier) @name) @field

[(comment) (marginalia)] @comment

(identifier) @use
