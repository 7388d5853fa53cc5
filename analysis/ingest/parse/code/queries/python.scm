; Definitions, the widest span of a name counting: with its decorators where it has some.
(function_definition name: (identifier) @name ":" @body) @function
(function_definition name: (identifier) @name body: (block . (expression_statement (string) @doc))) @function
(decorated_definition definition: (function_definition name: (identifier) @name)) @function
(class_definition name: (identifier) @name ":" @body) @class
(class_definition name: (identifier) @name body: (block . (expression_statement (string) @doc))) @class
(decorated_definition definition: (class_definition name: (identifier) @name)) @class
(module (expression_statement (assignment left: (identifier) @name)) @constant)
(module (expression_statement (assignment left: (pattern_list (identifier) @name))) @constant)
(module (if_statement (block (expression_statement (assignment left: (identifier) @name)) @constant)))
(module (try_statement (block (expression_statement (assignment left: (identifier) @name)) @constant)))
(class_definition body: (block (expression_statement (assignment left: (identifier) @name)) @field))
(type_alias_statement left: (type (identifier) @name)) @type

(decorator) @lead
(comment) @comment

(import_statement name: (dotted_name) @module) @import
(import_statement name: (aliased_import name: (dotted_name) @module)) @import
(import_from_statement module_name: (_) @module) @import
(future_import_statement "__future__" @module name: (dotted_name) @taken) @import
(import_from_statement module_name: (_) @module name: (dotted_name) @taken) @import
(import_from_statement module_name: (_) @module name: (aliased_import name: (dotted_name) @taken)) @import

(identifier) @use
