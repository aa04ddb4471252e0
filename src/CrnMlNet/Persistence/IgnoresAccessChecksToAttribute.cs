namespace System.Runtime.CompilerServices;

/// <summary>
/// Tells the .NET runtime, which knows this attribute by its name, that this assembly may use the internals of
/// <paramref name="assemblyName"/>. The compiler does not know it and is shown publicized copies of those assemblies instead
/// (build/PublicizeReferences).
/// </summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
{
    public string AssemblyName { get; } = assemblyName;
}
