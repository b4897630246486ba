"""What people ask of this CRM: SQL files that become views and kept tables of the warehouse."""
