(function_declaration name: (identifier) @name body: (_) @body) @function
(generator_function_declaration name: (identifier) @name body: (_) @body) @function
(export_statement declaration: (function_declaration name: (identifier) @name)) @function
(export_statement declaration: (generator_function_declaration name: (identifier) @name)) @function
(class_declaration name: (identifier) @name body: (_) @body) @class
(export_statement declaration: (class_declaration name: (identifier) @name)) @class
(class_body (method_definition name: [(property_identifier) (private_property_identifier)] @name body: (_) @body) @method)
(object (method_definition name: (property_identifier) @name body: (_) @body) @method)
(class_body (field_definition property: [(property_identifier) (private_property_identifier)] @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @method)
(class_body (field_definition property: [(property_identifier) (private_property_identifier)] @name) @field)

; Functions that are given to a name.
(lexical_declaration (variable_declarator name: (identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)])) @function
(variable_declaration (variable_declarator name: (identifier) @name
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)])) @function
(export_statement declaration: (lexical_declaration (variable_declarator name: (identifier) @name
  value: [(arrow_function) (function_expression)]))) @function
(lexical_declaration (variable_declarator name: (identifier) @name value: (class body: (_) @body))) @class
(expression_statement (assignment_expression left: (member_expression object: (_) @owner property: (property_identifier) @name)
  right: [(arrow_function body: (_) @body) (function_expression body: (_) @body)])) @function
(pair key: [(property_identifier) @name (string (string_fragment) @name)]
  value: [(arrow_function body: (_) @body) (function_expression body: (_) @body)]) @function

(program (lexical_declaration (variable_declarator name: (identifier) @name)) @constant)
(program (variable_declaration (variable_declarator name: (identifier) @name)) @constant)
(program (export_statement declaration: (lexical_declaration (variable_declarator name: (identifier) @name))) @constant)
(program (export_statement declaration: (variable_declaration (variable_declarator name: (identifier) @name))) @constant)

(decorator) @lead
(comment) @comment

(import_statement source: (string (string_fragment) @module)) @import
(import_statement (import_clause (named_imports (import_specifier name: (identifier) @taken)))
  source: (string (string_fragment) @module)) @import
(import_statement (import_clause (identifier) @taken) source: (string (string_fragment) @module)) @import
(export_statement source: (string (string_fragment) @module)) @import
(export_statement (export_clause (export_specifier name: (identifier) @taken))
  source: (string (string_fragment) @module)) @import
(call_expression function: (identifier) @_require arguments: (arguments . (string (string_fragment) @module) .)
  (#like? @_require "^require$")) @import
(call_expression function: (import) arguments: (arguments . (string (string_fragment) @module))) @import

[(identifier) (property_identifier) (private_property_identifier) (shorthand_property_identifier)
 (shorthand_property_identifier_pattern)] @use
