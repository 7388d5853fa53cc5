(class_declaration name: (identifier) @name body: (_) @body) @class
(record_declaration name: (identifier) @name body: (_) @body) @class
(record_declaration name: (identifier) @name) @class
(struct_declaration name: (identifier) @name body: (_) @body) @struct
(interface_declaration name: (identifier) @name body: (_) @body) @interface
(enum_declaration name: (identifier) @name body: (_) @body) @enum
(enum_member_declaration name: (identifier) @name) @constant
(namespace_declaration name: (_) @name body: (_) @body) @module
(delegate_declaration name: (identifier) @name) @type
(constructor_declaration name: (identifier) @name body: (_) @body) @constructor
(method_declaration name: (identifier) @name body: (_) @body) @method
(method_declaration name: (identifier) @name) @method
(local_function_statement name: (identifier) @name body: (_) @body) @function
(property_declaration name: (identifier) @name accessors: (_) @body) @property
(property_declaration name: (identifier) @name) @property
(event_field_declaration (variable_declaration (variable_declarator name: (identifier) @name))) @field
(field_declaration (variable_declaration (variable_declarator name: (identifier) @name))) @field

(attribute_list) @lead
(comment) @comment

(using_directive [(identifier) (qualified_name)] @module .) @import

(identifier) @use
