using CrnMlNet.Persistence;
using Microsoft.ML;
using Mono.Cecil;

namespace CrnMlNet.Tests.Persistence;

/// <summary>CrnMlNet is compiled against publicized ML.NET assemblies, so the compiler no longer keeps its files off their internals.</summary>
public class InternalsStayInOneFileTests
{
    private static readonly string[] Publicized = ["Microsoft.ML.Core", "Microsoft.ML.Data"];

    [Fact]
    public void Only_MLNetInternals_uses_internals_of_ML_NET()
    {
        using var assembly = ReadCrnMlNet();

        var uses = UsesOfInternals(assembly).Where(u => !IsWithin(u.User, typeof(MLNetInternals))).Select(u => $"{u.User.FullName} uses {u.Used}");

        Assert.Equal("", string.Join(Environment.NewLine, uses));
    }

    [Fact]
    public void The_check_sees_what_MLNetInternals_uses()
    {
        using var assembly = ReadCrnMlNet();

        var used = UsesOfInternals(assembly).Where(u => IsWithin(u.User, typeof(MLNetInternals))).Select(u => u.Used).ToList();

        Assert.Contains(used, u => u.Contains("ModelSaveContext::SetVersionInfo"));
        Assert.Contains(used, u => u.Contains("SchemaShape::TryFindColumn"));
        Assert.Contains(used, u => u.Contains("IHostEnvironmentInternal"));
    }

    // Opened beside the real ML.NET assemblies, which say what is internal.
    private static AssemblyDefinition ReadCrnMlNet()
    {
        var resolver = new DefaultAssemblyResolver();
        resolver.AddSearchDirectory(AppContext.BaseDirectory);
        resolver.AddSearchDirectory(Path.GetDirectoryName(typeof(MLContext).Assembly.Location));
        resolver.AddSearchDirectory(Path.GetDirectoryName(typeof(object).Assembly.Location));
        return AssemblyDefinition.ReadAssembly(typeof(MLNetInternals).Assembly.Location, new ReaderParameters { AssemblyResolver = resolver });
    }

    private static IEnumerable<(TypeDefinition User, string Used)> UsesOfInternals(AssemblyDefinition assembly)
        => from type in assembly.MainModule.GetTypes()
           from reference in References(type)
           where IsInternalToMLNet(reference)
           select (type, reference.FullName);

    private static IEnumerable<MemberReference> References(TypeDefinition type)
    {
        var signatures = type.Fields.Select(f => f.FieldType)
            .Concat(type.Methods.SelectMany(m => m.Parameters.Select(p => p.ParameterType).Append(m.ReturnType)))
            .Concat(type.Interfaces.Select(i => i.InterfaceType))
            .Append(type.BaseType);
        var bodies = type.Methods.Where(m => m.HasBody).Select(m => m.Body).ToList();
        var operands = bodies.SelectMany(b => b.Instructions).Select(i => i.Operand).OfType<MemberReference>();
        var locals = bodies.SelectMany(b => b.Variables).Select(v => v.VariableType);
        return signatures.Concat(locals).Concat(operands).Where(r => r is not null).SelectMany(WithItsParts);
    }

    // An array, a generic instance and a member mention other types, any of which may be the internal one.
    private static IEnumerable<MemberReference> WithItsParts(MemberReference reference) => reference switch
    {
        GenericInstanceType generic => generic.GenericArguments.SelectMany(WithItsParts).Append(generic.ElementType),
        TypeSpecification specification => WithItsParts(specification.ElementType),
        TypeReference => [reference],
        GenericInstanceMethod generic => generic.GenericArguments.SelectMany(WithItsParts).Concat(WithItsParts(generic.ElementMethod)),
        _ => WithItsParts(reference.DeclaringType).Append(reference),
    };

    private static bool IsInternalToMLNet(MemberReference reference)
    {
        var declaring = reference as TypeReference ?? reference.DeclaringType;
        if (declaring.IsGenericParameter || !Publicized.Contains(declaring.GetElementType().Scope?.Name))
            return false;
        return reference switch
        {
            TypeReference type => !IsVisible(type.Resolve()),
            MethodReference method => method.Resolve() is { IsPublic: false, IsFamily: false, IsFamilyOrAssembly: false },
            FieldReference field => field.Resolve() is { IsPublic: false, IsFamily: false, IsFamilyOrAssembly: false },
            _ => false,
        };
    }

    private static bool IsVisible(TypeDefinition type)
        => type.IsNested ? (type.IsNestedPublic || type.IsNestedFamily) && IsVisible(type.DeclaringType) : type.IsPublic;

    private static bool IsWithin(TypeDefinition type, Type expected)
        => type.FullName == expected.FullName || type.DeclaringType is { } outer && IsWithin(outer, expected);
}
