(function_declaration name: (identifier) @name body: (_) @body) @function
(function_declaration name: (identifier) @name) @function
(method_declaration receiver: (parameter_list (parameter_declaration type: (_) @owner))
  name: (field_identifier) @name body: (_) @body) @method
(type_declaration (type_spec name: (type_identifier) @name type: (struct_type (field_declaration_list) @body))) @struct
(type_declaration (type_spec name: (type_identifier) @name type: (interface_type "{" @body))) @interface
(type_declaration (type_spec name: (type_identifier) @name)) @type
(type_declaration (type_alias name: (type_identifier) @name)) @type
(field_declaration name: (field_identifier) @name) @field
(interface_type (method_elem name: (field_identifier) @name) @method)
(source_file (const_declaration . (const_spec name: (identifier) @name) .) @constant)
(source_file (const_declaration (const_spec name: (identifier) @name) @constant))
(source_file (var_declaration . (var_spec name: (identifier) @name) .) @constant)
(source_file (var_declaration (var_spec name: (identifier) @name) @constant))
(source_file (var_declaration (var_spec_list (var_spec name: (identifier) @name) @constant)))

(comment) @comment

(import_spec path: (_) @module) @import

[(identifier) (type_identifier) (field_identifier) (package_identifier)] @use
