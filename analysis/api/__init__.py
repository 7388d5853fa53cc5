from ninja import NinjaAPI

api = NinjaAPI(title="Lectern", version="1")
