(class_declaration "interface" name: (identifier) @name) @interface
(class_declaration name: (identifier) @name (enum_class_body) @body) @enum
(class_declaration name: (identifier) @name) @class
(class_declaration name: (identifier) @name (class_body) @body) @class
(object_declaration name: (identifier) @name) @class
(object_declaration name: (identifier) @name (class_body) @body) @class
(enum_entry (identifier) @name) @constant
(secondary_constructor "constructor" @name) @constructor
(function_declaration name: (identifier) @name) @function
(function_declaration name: (identifier) @name (function_body) @body) @function
(type_alias type: (identifier) @name) @type
(source_file (property_declaration (variable_declaration (identifier) @name)) @constant)
(class_body (property_declaration (variable_declaration (identifier) @name)) @property)

(annotation) @lead
[(line_comment) (block_comment)] @comment

(import (qualified_identifier) @module) @import

(identifier) @use
