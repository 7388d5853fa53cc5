(class_specifier name: (_) @name body: (_) @body) @class
(struct_specifier name: (_) @name body: (_) @body) @struct
(union_specifier name: (type_identifier) @name body: (_) @body) @struct
(template_declaration (class_specifier name: (_) @name body: (_))) @class
(template_declaration (struct_specifier name: (_) @name body: (_))) @struct
(enum_specifier name: (type_identifier) @name body: (_) @body) @enum
(enumerator name: (identifier) @name) @constant
(namespace_definition name: (_) @name body: (_) @body) @module
(concept_definition name: (identifier) @name) @type

; What a constructor sets before its body is no part of its head.
(function_definition declarator: (function_declarator declarator: (identifier) @name) (field_initializer_list) @body) @function
(function_definition declarator: (function_declarator declarator: (qualified_identifier) @qualified) (field_initializer_list) @body) @function
; Functions, by themselves, in their class, and outside of it; with what they return behind & or *.
(function_definition declarator: (function_declarator declarator: [(identifier) (field_identifier) (destructor_name) (operator_name)] @name) body: (_) @body) @function
(function_definition declarator: (function_declarator declarator: [(identifier) (field_identifier) (destructor_name) (operator_name)] @name)) @function
(function_definition declarator: (_ (function_declarator declarator: [(identifier) (field_identifier) (operator_name)] @name)) body: (_) @body) @function
(function_definition declarator: (function_declarator declarator: (qualified_identifier) @qualified) body: (_) @body) @function
(function_definition declarator: (_ (function_declarator declarator: (qualified_identifier) @qualified)) body: (_) @body) @function
(template_declaration (function_definition declarator: (function_declarator declarator: [(identifier) (field_identifier)] @name))) @function
(template_declaration (function_definition declarator: (function_declarator declarator: (qualified_identifier) @qualified))) @function
(template_declaration (function_definition declarator: (_ (function_declarator declarator: (qualified_identifier) @qualified)))) @function
(field_declaration declarator: (function_declarator declarator: [(field_identifier) (operator_name)] @name)) @method
(field_declaration declarator: (_ (function_declarator declarator: [(field_identifier) (operator_name)] @name))) @method
(field_declaration declarator: (field_identifier) @name) @field
(field_declaration declarator: (_ (field_identifier) @name)) @field
(field_declaration_list (declaration declarator: (function_declarator declarator: [(identifier) (destructor_name)] @name)) @method)
(declaration_list (declaration declarator: (function_declarator declarator: (identifier) @name)) @function)
(declaration_list (declaration declarator: (_ (function_declarator declarator: (identifier) @name))) @function)
(translation_unit (declaration declarator: (function_declarator declarator: (identifier) @name)) @function)
(translation_unit (declaration declarator: (_ (function_declarator declarator: (identifier) @name))) @function)

(type_definition declarator: (type_identifier) @name) @type
(alias_declaration name: (type_identifier) @name) @type
(template_declaration (alias_declaration name: (type_identifier) @name)) @type
(preproc_def name: (identifier) @name) @macro
(preproc_function_def name: (identifier) @name value: (_) @body) @macro
(preproc_function_def name: (identifier) @name) @macro
(translation_unit (declaration declarator: (init_declarator declarator: (identifier) @name)) @constant)
(declaration_list (declaration declarator: (init_declarator declarator: (identifier) @name)) @constant)
(translation_unit (declaration declarator: (init_declarator declarator: (array_declarator declarator: (identifier) @name))) @constant)
(declaration_list (declaration declarator: (init_declarator declarator: (array_declarator declarator: (identifier) @name))) @constant)

(attribute_declaration) @lead
(comment) @comment

(preproc_include path: (_) @module) @import
(using_declaration (qualified_identifier) @module) @import

[(identifier) (type_identifier) (field_identifier) (namespace_identifier)] @use
