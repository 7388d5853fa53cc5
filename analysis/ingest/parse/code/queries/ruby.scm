(class name: [(constant) (scope_resolution)] @qualified) @class
(class name: [(constant) (scope_resolution)] @qualified superclass: (_) body: (_) @body) @class
(class name: [(constant) (scope_resolution)] @qualified . body: (_) @body) @class
(module name: [(constant) (scope_resolution)] @qualified) @module
(module name: [(constant) (scope_resolution)] @qualified body: (_) @body) @module
(method name: (_) @name body: (_) @body) @function
(method name: (_) @name) @function
(singleton_method name: (_) @name body: (_) @body) @function
(singleton_method name: (_) @name) @function
(assignment left: (constant) @name) @constant
(call method: (identifier) @_method arguments: (argument_list (simple_symbol) @name)
  (#like? @_method "^(attr_accessor|attr_reader|attr_writer)$")) @property

(comment) @comment

(call method: (identifier) @_method arguments: (argument_list (string (string_content) @module))
  (#like? @_method "^(require|require_relative|load)$")) @import

[(identifier) (constant)] @use
