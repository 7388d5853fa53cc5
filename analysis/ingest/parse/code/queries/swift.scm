(class_declaration "class" name: (_) @name body: (_) @body) @class
(class_declaration "struct" name: (_) @name body: (_) @body) @struct
(class_declaration "enum" name: (_) @name body: (_) @body) @enum
(class_declaration "actor" name: (_) @name body: (_) @body) @class
(class_declaration "extension" name: (_) @name body: (_)) @scope
(protocol_declaration name: (_) @name body: (_) @body) @interface
(enum_entry name: (simple_identifier) @name) @constant
(function_declaration name: (simple_identifier) @name body: (_) @body) @function
(function_declaration name: (simple_identifier) @name) @function
(protocol_function_declaration name: (simple_identifier) @name) @method
(protocol_property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @property
(init_declaration "init" @name body: (_) @body) @constructor
(typealias_declaration name: (type_identifier) @name) @type
(source_file (property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @constant)
(class_body (property_declaration name: (pattern bound_identifier: (simple_identifier) @name)) @property)

(attribute) @lead
[(comment) (multiline_comment)] @comment

(import_declaration (identifier) @module) @import

[(simple_identifier) (type_identifier)] @use
