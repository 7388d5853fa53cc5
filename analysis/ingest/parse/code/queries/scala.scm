(class_definition name: (_) @name) @class
(class_definition name: (_) @name body: (_) @body) @class
(object_definition name: (_) @name) @class
(object_definition name: (_) @name body: (_) @body) @class
(trait_definition name: (_) @name) @trait
(trait_definition name: (_) @name body: (_) @body) @trait
(enum_definition name: (_) @name body: (_) @body) @enum
[(simple_enum_case name: (_) @name) (full_enum_case name: (_) @name)] @constant
(type_definition name: (_) @name) @type
(function_definition name: (_) @name) @function
(function_definition name: (_) @name body: (_) @body) @function
(function_declaration name: (_) @name) @function
(template_body (val_definition pattern: (identifier) @name) @field)
(template_body (var_definition pattern: (identifier) @name) @field)
(compilation_unit (val_definition pattern: (identifier) @name) @constant)

(annotation) @lead
[(comment) (block_comment)] @comment

(import_declaration) @import @module

[(identifier) (type_identifier)] @use
