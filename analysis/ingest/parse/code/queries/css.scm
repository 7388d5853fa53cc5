(rule_set (selectors) @name (block) @body) @rule
(keyframes_statement (keyframes_name) @name (keyframe_block_list) @body) @rule
(stylesheet (media_statement "@media" @name) @rule)
(declaration (property_name) @name (#like? @name "^--")) @constant

(comment) @comment

(import_statement (string_value (string_content) @module)) @import
(import_statement (call_expression (arguments (string_value (string_content) @module)))) @import
