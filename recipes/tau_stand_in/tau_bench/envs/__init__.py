# The real package imports a provider's SDK here. An adapter must not come this way.
raise ImportError("the packages of the stand-in cannot be imported, only its modules")
